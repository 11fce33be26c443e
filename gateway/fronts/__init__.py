"""What callers speak over HTTP, each as thin as it can be over the one engine."""
