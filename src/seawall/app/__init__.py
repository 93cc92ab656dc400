"""Wires the rooms together for people and programs. Nothing is judged here."""
