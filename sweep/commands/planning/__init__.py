"""Say what a sweep will cost before it is run: time, devices, memory, disk."""
