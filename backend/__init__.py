"""The server: serving, pipelines, models, fields, meshes. Heavy libraries are imported in the worker process alone."""

__version__ = "0.1.0"
