# Window, rail, tray and words used everywhere.
app-name = WeLink Desktop
close = Close
cancel = Cancel
back = Back
retry = Try again
copy = Copy
more = More
yesterday = Yesterday
external = External
