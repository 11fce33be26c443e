"""What is invoked and what comes back: canonical requests, answers, usage and settlements."""
