"""Commands that train, or say what training costs."""
