"""Use cases over ports: loop-confined, Qt-free. Imports core and the pure libraries named in the import contract."""
