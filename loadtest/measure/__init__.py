"""Measuring a server from outside: its processor time, its memory and how fast it starts."""
