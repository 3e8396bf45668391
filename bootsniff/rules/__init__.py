"""One file per fault: pure functions of a machine's record; they read records and never change them."""
