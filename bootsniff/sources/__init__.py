"""The edge to the outside: capture files, interfaces, recorders; yields Blocks and knows no protocol above the link."""
