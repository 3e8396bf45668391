"""Nothing on the screen moves by itself in tests."""

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"
