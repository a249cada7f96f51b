"""2D landmarks and depth to a metric 3D pose of the patient."""
