"""Wholeform's desktop application: a PySide6 window that talks to a server through ``protocol`` alone.

``state`` knows no Qt; ``net`` brings the network to the Qt thread; ``canvas``, ``viewer`` and ``panels`` are widgets;
``studio`` joins them. Nothing that takes time runs on the Qt thread.
"""
