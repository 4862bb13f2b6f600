"""The network and other slow work, brought to the Qt thread by signals."""
