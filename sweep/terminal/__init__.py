"""Print what people read: live views, tables, the leaderboard, and an output that outlives its reader."""
