"""The server: gateway, durable jobs, scheduler and worker processes. Knows tasks by name and no model."""
