"""Todos: written with commands, read with queries, projected to SQL for searching."""
