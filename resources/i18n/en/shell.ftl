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
rail-chat = Chat
rail-contacts = Contacts
rail-meet = Meet
rail-settings = Settings
rail-me = You: { $name }
rail-unread = Unread messages: { $count }
rail-in-call = Meetings running: { $count }
starting = Opening WeLink Desktop…
connection-offline = Offline, reconnecting. Messages will be sent in order.
connection-offline-until = Offline, next try in { $seconds } s. Messages will be sent in order.
connection-retry-now = Retry now
sign-in-again-title = Sign in again
sign-in-again-why = The server ended the session of this device. Your messages are kept; type your password to continue.
tray-open = Open WeLink Desktop
tray-explained = WeLink Desktop keeps running here. Quit it from this icon’s menu.
tray-unread = { $count ->
    [one] { $count } unread message
   *[other] { $count } unread messages
 }
notification-title = { $sender } in { $room }
notification-hidden = New message
command-chat = Go to chat
command-contacts = Go to contacts
command-meet = Go to meetings
command-settings = Settings
command-find-room = Find a conversation
command-find-person = New chat: find a person
command-next-room = Next conversation
command-previous-room = Previous conversation
command-next-unread = Next unread conversation
command-previous-unread = Previous unread conversation
command-next-pane = Next part of the window
command-previous-pane = Previous part of the window
command-shortcuts = Keyboard shortcuts
command-close-window = Close window
command-quit = Quit
quit-in-meeting-title = Leave the meeting and quit?
quit-in-meeting-warning = You are in a meeting. Quitting leaves it.
# Said on the command line
no-display = There is no display, so the window cannot be shown. Start the app in a desktop session.
