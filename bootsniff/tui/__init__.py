"""The Textual application: shows reports, drives the engine through its bridge only."""
