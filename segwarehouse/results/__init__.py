"""What is published of a run as tables: from what was learned and measured to rows, a module a family of tables."""
