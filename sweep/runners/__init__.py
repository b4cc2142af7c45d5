"""Where trials are trained: in this process, or on the machines that Ray has."""
