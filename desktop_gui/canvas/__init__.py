"""The picture in the middle of the window, and pointing at things in it."""
