"""Where Lambda events come in and answers go out; what functions share and the domain does not know."""
