"""What is printed: live views, tables, the leaderboard in text, and an output that outlives its reader."""
