"""The review desk: `queue` of all letters, one signature's `page`, `deciding`, and the `rows` in which all are shown."""
