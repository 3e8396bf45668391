"""Report to text, JSON and explanations; views only, they draw no conclusions."""
