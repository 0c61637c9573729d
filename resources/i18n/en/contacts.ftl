# Contacts page and people.
contacts = Contacts
contacts-search = Search people
contacts-search-example = Name, pinyin, staff number
contacts-structure = Organisation
contacts-people-list = People
contacts-people = { $count ->
    [one] { $count } person
   *[other] { $count } people
 }
contacts-expanded = expanded
contacts-collapsed = collapsed
contacts-loading = Loading…
contacts-no-organisation = No department tree
contacts-no-organisation-hint = Your organisation has not set one up. Search finds people all the same.
contacts-empty = This department has no people yet
contacts-empty-hint = Its sub-departments may have some.
contacts-nobody-found = Nobody found
contacts-nobody-found-hint = Try another spelling, the pinyin or the staff number.
contacts-found-for = People matching “{ $words }”
contacts-old-copy = The directory cannot be reached. This is the copy stored on this computer.
contacts-outside-section = People from outside
contacts-outside = External · { $organisation }
contacts-close-card = Close card
contacts-message = Message
contacts-meet = Meet
contacts-opening = Opening…
contacts-title = Post
contacts-organisation = Organisation
contacts-department = Department
contacts-staff-number = Staff number
contacts-phone = Office phone
contacts-mail = E-mail
contacts-location = Office
contacts-account = Account
contacts-copy = Copy: { $what }
copied = Copied
state-in-meeting = In a meeting
state-local-time = Local time { $time }
state-online = Online
state-busy = Busy
state-away = Away
state-offline = Offline
