"""Everything around the canvas: start page, action bar, docks, dialogs."""
