"""What the Worker imports at start, and how long that takes in Pyodide."""
