"""The domain of API Segments; each package here is a room (docs/house.svg), and looks only at the rooms below it."""
