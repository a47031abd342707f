"""`make demo`: one todo on its whole way, with what every stage left behind."""
