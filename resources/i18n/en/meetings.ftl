# Meetings: running meetings, lobby, stage.
meetings-title = Meet
meetings-running-none = No meeting is running. Choose a group or a person; everyone in it can join.
meetings-start-hint = Choose a group or a person. Everyone in it can join.
meetings-join = Join
meetings-join-named = Join the meeting in { $name }
meetings-meet = Meet
meetings-meet-named = Meet in { $name }
meetings-search = Find a group or person
meetings-list = Groups and people
meetings-in-call = { $count ->
    [one] { $count } person in the meeting
   *[other] { $count } people in the meeting
 }
meetings-person = Direct conversation
meetings-members = { $count ->
    [one] { $count } member
   *[other] { $count } members
 }
meetings-here = You are in this meeting
meetings-return = Return
meetings-return-named = Return to the meeting in { $name }
meetings-nothing-found = Nothing found. Try a shorter word.

lobby-title = Join the meeting
lobby-nobody = Nobody is here yet
lobby-somebody = { $count ->
    [1] { $first } has joined
    [2] { $first } and { $second } have joined
   *[other] { $first }, { $second } and others: { $count } people have joined
 }
lobby-encrypted = End-to-end encrypted
lobby-encrypted-detail = Only the people in this meeting can see and hear it.
lobby-new-keys = New keys for this meeting, erased when it ends
lobby-not-encrypted = Not encrypted
lobby-not-encrypted-detail = This group is not encrypted, so the meeting is not either.
lobby-microphone = Microphone
lobby-speaker = Speaker
lobby-camera = Camera
lobby-system-default = System default
lobby-no-device = None found
lobby-test-speaker = Play a test sound
lobby-level = Microphone level
lobby-microphone-on = Microphone, on
lobby-microphone-off = Microphone, muted
lobby-camera-on = Camera, on
lobby-camera-off = Camera, off
lobby-join = Join
lobby-join-sound = Join with sound only
lobby-cancel = Not now
lobby-preview = Camera preview
lobby-preview-off = Your camera is off
lobby-muted-hint = You will join muted.
lobby-unmuted-hint = You will be heard as soon as you join.
lobby-external = { $count ->
    [one] { $count } person from outside is in this meeting
   *[other] { $count } people from outside are in this meeting
 }
lobby-preparing = Preparing sound and video …

meeting-encrypted = Encrypted
meeting-encrypted-key = Encrypted · key { $number }
meeting-not-encrypted = Not encrypted
meeting-people-count = { $count ->
    [one] { $count } person
   *[other] { $count } people
 }
meeting-people-title = People { $count }
meeting-people = People
meeting-people-spoken = { $count ->
    [one] People, { $count } in the meeting
   *[other] People, { $count } in the meeting
 }
meeting-people-close = Close the people panel
meeting-you = You
meeting-name-you = { $name } (you)
meeting-layout = Layout
meeting-layout-gallery = Gallery
meeting-layout-speaker = Speaker
meeting-fullscreen = Full screen
meeting-page = { $page } / { $pages }
meeting-page-previous = Previous page of people
meeting-page-next = Next page of people
meeting-tiles = People and shared screens
meeting-tile-screen = { $name }’s screen
meeting-sharing = { $name } is sharing the screen
meeting-sharing-own = You are sharing your screen
meeting-joining = Joining the meeting …
meeting-returning = Connection lost. Your place is kept; the meeting comes back by itself.
meeting-failed = The meeting cannot be reached.
meeting-waiting-key = Waiting for key
meeting-insecure = Not encrypted: hidden
meeting-no-picture = No picture arrives
meeting-unreachable = Uses another meeting service
meeting-connecting = Connecting …
meeting-alarm-stranger = Somebody is connected to the meeting server without being announced in this group. They are neither seen nor heard, and have no key.
meeting-alarm-unencrypted = { $name } sends without encryption. Picture and sound are not shown.
meeting-microphone-on = microphone on
meeting-microphone-off = muted
meeting-camera-on = camera on
meeting-camera-off = camera off
meeting-microphone-turn-on = Unmute
meeting-microphone-turn-off = Mute
meeting-microphone-spoken-on = Microphone, on
meeting-microphone-spoken-off = Microphone, muted
meeting-camera-turn-on = Camera
meeting-camera-turn-off = Camera
meeting-camera-spoken-on = Camera, on
meeting-camera-spoken-off = Camera, off
meeting-share = Share
meeting-share-stop = Stop sharing
meeting-share-spoken-on = Screen sharing, on
meeting-share-spoken-off = Share your screen
meeting-leave = Leave
meeting-leave-spoken = Leave the meeting
meeting-length-spoken = In the meeting for { $length }
quality-good = Good connection
quality-fair = Fair connection
quality-poor = Weak connection
quality-lost = No connection
