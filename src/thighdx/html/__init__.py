"""Pages and parts of pages: plain data in, HTML out."""
