# Room list, timeline, composer and details.
chat-title = Messages
chat-timeline = Messages in this conversation
chat-you = You
chat-edited = edited
chat-day-today = Today, { $date }
chat-day-yesterday = Yesterday, { $date }
chat-new-messages = { $count } new
chat-reply-unknown = Someone
chat-reply-not-loaded = Earlier message
chat-go-to-original = Go to the original message
chat-picture-open = Save picture { $name }
chat-save-file = Save { $name }
chat-save = Save as…
chat-save-title = Save file
chat-saved = Saved as { $name }
chat-upload-progress = { $percent } % sent
chat-file = File
chat-unreadable-yet = This message can’t be read on this device yet
chat-unreadable = This message can’t be read on this device
chat-sent-from = Sent from { $device }.
chat-malformed = A message arrived damaged and cannot be shown.
chat-unsupported = This kind of message is not shown by this version.
chat-recalled = { $name } recalled a message at { $time }.
chat-recalled-own = You recalled a message at { $time }.
chat-react = Add a reaction
chat-not-sent = Not sent at { $time }
chat-try-again = Try again
chat-copy-text = Copy text
chat-delete = Delete
chat-read-by = Read by { $count } of { $total }
chat-read-names = Read by { $names }
chat-spoken-reply = in reply to { $name }
chat-spoken-reaction = { $emoji } { $count }
chat-state-queued = waiting to be sent
chat-state-sending = being sent
chat-message-actions = Message actions
chat-action-react = React
chat-action-reply = Reply
chat-action-edit = Edit
chat-action-more = More actions
chat-recall = Recall for everyone
chat-recall-title = Recall this message?
chat-recall-sentence = It disappears for everyone in this conversation. A line says that you recalled a message.
chat-jump-to-end = Go to the newest message
chat-attachment-image = Picture { $name }
chat-attachment-file = File { $name }
chat-attachment-audio = Sound { $name }
chat-attachment-voice = Voice message { $name }
chat-attachment-video = Video { $name }
chat-loading-older = Loading earlier messages
chat-empty-room = This is the beginning
chat-empty-room-encrypted = Only the people in this conversation can read what is written here; the server cannot.
chat-empty-room-clear = This conversation is not encrypted: the server can read it.
chat-no-room = No conversation open
chat-no-room-sentence = Choose a conversation on the left, or find a colleague in Contacts.

# Trust marks
shield-unproven = It was fetched from a copy, so the sender is not proven.
shield-unsigned = Sent from a device that its owner has not confirmed.
shield-clear-in-encrypted = Not encrypted, although this conversation is.

# Why a message cannot be read
undecryptable-key-missing = What is needed to read it has not arrived.
undecryptable-key-late = What is needed to read it is on its way; nothing has to be done.
undecryptable-sent-before-join = It was sent before you joined.
undecryptable-sent-before-device = It was sent before this device was signed in.
undecryptable-withheld-unverified = The sender writes to confirmed devices only, and this device is not confirmed.
undecryptable-withheld-blocked = The sender has blocked this device.
undecryptable-withheld-unauthorised = The sender’s device says that this device may not read it.
undecryptable-withheld-no-channel = The sender’s device could not set up a secure channel to this device.
undecryptable-sender-mismatch = The key belongs to somebody else than the sender. The message is not shown.
undecryptable-replayed = The same encrypted message came twice. The copy is not shown.
undecryptable-wrong-room = The message was encrypted for another conversation. It is not shown.
undecryptable-algorithm-unknown = It uses an encryption that this version does not know.
undecryptable-damaged = It arrived damaged.

# Room list
rooms-list = Conversations
rooms-search = Search conversations
rooms-filter-all = All
rooms-filter-unread = Unread { $count }
rooms-filter-mentions = Mentions { $count }
rooms-filter-direct = Direct
rooms-filters = Show
rooms-section-invites = Invitations
rooms-section-pinned = Pinned
rooms-section-groups = Groups
rooms-section-people = People
rooms-draft = Draft:
rooms-you = You: { $message }
rooms-sender = { $name }: { $message }
rooms-invited-by = Invitation from { $name }
rooms-invited = Invitation
rooms-accept = Accept
rooms-decline = Decline
rooms-pin = Pin
rooms-unpin = Unpin
rooms-mute = Mute
rooms-unmute = Unmute
rooms-mark-unread = Mark as unread
rooms-mark-read = Mark as read
rooms-leave = Leave conversation
rooms-leave-title = Leave { $name }?
rooms-leave-sentence = You no longer receive its messages. To come back you need an invitation.
rooms-actions = Actions for { $name }
rooms-empty = No conversations yet
rooms-empty-sentence = Write to a colleague: find people in Contacts.
rooms-none-found = Nothing found
rooms-none-found-sentence = No conversation matches. Show all of them again.
rooms-show-all = Show all
rooms-spoken-unread = { $count ->
    [one] { $count } unread
   *[other] { $count } unread
 }
rooms-spoken-mention = mentions you
rooms-spoken-muted = muted
rooms-spoken-failed = a message was not sent
rooms-spoken-call = meeting running
rooms-section-spoken = { $name }, { $count }
rooms-section-collapsed = collapsed
rooms-new-chat = New conversation

# Header
chat-encrypted = End-to-end encrypted
chat-not-encrypted = Not encrypted
chat-people-count = { $count ->
    [one] { $count } person
   *[other] { $count } people
 }
chat-people-external = { $count ->
    [one] { $count } person
   *[other] { $count } people
 }, { $external } from { $organisations }
chat-with-external = { $count ->
    [one] { $count } person
   *[other] { $count } people
 }, some from { $organisations }
chat-start-meeting = Start meeting
chat-join-meeting = Join meeting
chat-details = Details
chat-close-details = Close details
chat-back = Back to conversations
chat-typing-one = { $name } is writing…
chat-typing-two = { $name } and { $other } are writing…
chat-typing-many = Several people are writing…
chat-meeting-running = { $count ->
    [one] { $count } person is in a meeting
   *[other] { $count } people are in a meeting
 }
chat-join = Join
chat-dismiss = Dismiss
chat-invited-title = { $name } invites you
chat-invited-title-unknown = You are invited
chat-invited-sentence = Accept to read and write in { $room }.

# Composer
composer-name = Write a message to { $room }
composer-placeholder = Message { $room }
composer-send = Send message
composer-emoji = Insert emoji
composer-attach = Attach files
composer-mention = Mention someone
composer-bold = Bold
composer-italic = Italic
composer-strike = Strike through
composer-code = Code
composer-quote = Quote
composer-list = List
composer-numbers = Numbered list
composer-link = Link
composer-hint-enter = Enter to send · Shift Enter for a new line
composer-hint-ctrl-enter = Ctrl Enter to send · Enter for a new line
composer-replying = Reply to { $name }
composer-editing = Edit message
composer-cancel-reply = Cancel reply
composer-cancel-edit = Cancel editing
composer-save-edit = Save change
composer-remove-file = Remove { $name }
composer-files = { $count ->
    [one] { $count } file
   *[other] { $count } files
 } to send
composer-drop = Drop files to send them to { $room }
composer-file-missing = { $name } cannot be read. Choose it again.
composer-folder = { $name } is a folder. Pack it into one file first.
composer-large = { $name } is { $size }: sending takes a while.
composer-choose-files = Choose files to send
composer-completion = People matching “{ $text }”
composer-everyone = Everyone in this conversation
composer-no-permission = You cannot write in this conversation.

# Emoji panel
emoji-panel = Emoji
emoji-search = Search emoji
emoji-recent = Recently used
emoji-none = No emoji found
emoji-group-faces = Faces
emoji-group-people = People
emoji-group-nature = Nature
emoji-group-food = Food
emoji-group-travel = Travel
emoji-group-things = Things
emoji-group-symbols = Symbols

# Details
details-title = Details
details-about = About
details-no-topic = No description
details-encryption = Encryption
details-encrypted-sentence = Messages and files are end-to-end encrypted. Only devices of people in this conversation can read them, the server cannot.
details-clear-sentence = This conversation is not encrypted. The server can read what is written here.
details-external-sentence = People from { $organisations } can read what is written here.
details-members = { $count ->
    [one] { $count } member
   *[other] { $count } members
 }
details-invited = { $count } invited
details-search = Search members
details-owner = Owner
details-admin = Administrator
details-moderator = Moderator
details-loading = Loading members
details-leave = Leave conversation
preview-attachment = sent { $name }
preview-picture = sent a picture
preview-voice = sent a voice message
preview-other = sent something this version does not show
preview-recalled = recalled a message
preview-undecryptable = sent a message that can’t be read on this device yet
preview-unsupported = sent something this version does not show

# What happened in a room
notice-created = { $who } created this conversation
notice-encrypted = Messages are end-to-end encrypted from here on
notice-joined = { $person } joined
notice-left = { $person } left
notice-invited = { $who } invited { $person }
notice-invite-declined = { $person } declined the invitation
notice-invite-withdrawn = { $who } withdrew the invitation of { $person }
notice-removed = { $who } removed { $person }
notice-banned = { $who } banned { $person }
notice-unbanned = { $who } lifted the ban of { $person }
notice-knocked = { $person } asks to join
notice-renamed = { $old } is now called { $new }
notice-room-named = { $who } named this conversation { $name }
notice-room-unnamed = { $who } removed the name of this conversation
notice-room-avatar = { $who } changed the picture of this conversation
notice-room-replaced = This conversation goes on in a new one
notice-topic = { $who } changed the description to: { $topic }
notice-topic-removed = { $who } removed the description
notice-verification = { $who } asks to compare emoji, to make sure who is who
composer-pasted = Picture
