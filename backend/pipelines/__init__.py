"""The tasks' implementations: the only place where models meet. One module a task, imported when it first runs."""
