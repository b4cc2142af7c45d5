"""Prepare what translators train on beside drawings: photographs, drawings with blurred edges, landmarks."""
