"""What cameras see: rooms, light, clothes, rendering, colour and depth sensors, views."""
