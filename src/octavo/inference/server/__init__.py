"""The server: OpenAI's completions, tracing, and the page."""
