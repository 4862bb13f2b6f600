"""What the window works on, without Qt: pictures, prompts, results, jobs, views and cameras."""
