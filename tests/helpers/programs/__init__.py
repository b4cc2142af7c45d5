"""Processes, hosts, servers and browsers."""
