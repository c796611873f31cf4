"""The review desk: the `queue` of all letters, a signature's `page`, `deciding`, and the `rows` that are shown."""
