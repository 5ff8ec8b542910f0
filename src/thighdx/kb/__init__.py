"""The knowledge base: tables and a manifest, read into records and checked."""
