"""JSON Schemas: whether a schema is one."""
