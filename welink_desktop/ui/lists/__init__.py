"""Long lists drawn by ourselves. Imports core and ui only; used by feature views."""
