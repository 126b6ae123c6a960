"""Published states: written aside, checked, proved and put in place; read, proved again and exported afterwards."""
