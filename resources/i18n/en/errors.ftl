# What can go wrong: what happened, what it means, what can be done.
error-unexpected = Something unexpected happened. Your data is safe. Try again; if it happens again, tell your IT desk.
error-offline = The server cannot be reached just now. Check the network connection; the app keeps trying.
error-server-not-found = There is no server called { $name }. Check the spelling, or ask your IT desk for the address.
error-not-a-homeserver = { $name } answers, but it is not a WeLink server. Check the address. On a guest network, sign in to the network first.
error-certificate-refused = The certificate of { $name } cannot be trusted, so nothing was sent. Ask your IT desk to check it.
error-server-fault = The server has a problem of its own. Try again in a few minutes.
error-wrong-password = User name and password do not match. Check both, and whether Caps Lock is on.
error-too-many-attempts = Too many attempts. Try again in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
 }.
error-sign-in-unsupported = This server offers no way to sign in that this app knows. Ask your IT desk.
error-signed-out = This device was signed out. Sign in again to continue; your messages are kept here.
error-account-locked = Your organisation has locked this account. What is stored here is kept. Ask your IT desk.
error-not-allowed = You do not have the right to do this here. Ask an administrator of the group.
error-not-found = This was not found. It may have been removed, or you may not be allowed to see it.
error-too-large = This is too large. The server takes up to { $limit }.
error-too-large-for-server = This is too large for the server. Send a smaller file, or a shorter text.
error-encryption-refused = Not sent: it would have weakened the encryption of this conversation.
error-password-needed = The server asks for your password before it does this.
error-confirm-in-browser = Confirm this on the page of your organisation that opens in the browser, then try again.
error-wrong-recovery-key = This is not the recovery key of this account. Check it for typing mistakes, or use another way.
error-wrong-code = This code belongs to something else. Scan the code that the other device shows now.
error-identity-changed = Not sent: the verified identity of { $name } changed. Compare it again, or go on without verification.
error-file-damaged = This file arrived damaged and is not shown. Ask the sender to send it again.
error-history-not-shared = The invitation was sent, but the older messages could not be shared: the person has no confirmed device yet, or this conversation keeps its history from newcomers.
error-history-not-loaded = The older messages that were shared with you could not be loaded. Ask the person who invited you to share them again.
error-keyring-missing = The key store of this system is missing or locked, so the keys cannot be kept there.
error-store-key-missing = The key of the local store is not in the key store of this system. The store was left untouched. Unlock the key store, or sign in again.
error-store-damaged = The local store was damaged and has been moved aside as { $path }. Sign in again to load your conversations from the server.
error-store-too-new = The local store was written by a newer version of the app. Install that version to open it.
error-profile-in-use = This profile is open in another window of the app.
error-disk-full = The profile folder cannot be written: the disk is full, or the folder is protected.
error-no-meeting-service = This server offers no meetings. Ask your IT desk to set up the meeting service.
error-meeting-token = The meeting service does not answer or did not admit you. Try again; if it happens again, ask your IT desk.
error-meeting-server = The meeting server does not answer. Chat goes on; try to join again in a moment.
error-media-engine = Sound and video could not be started. Chat goes on; restart the app and try again.
error-device-unavailable = { $device ->
    [camera] The camera
    [microphone] The microphone
    [speaker] The speaker
    [screen] The screen
    [sound] The sound system
   *[other] { $device }
  } cannot be used: it is missing, in use by another program, or not permitted.
error-evaluation = The evaluation server did not start: { $part } ({ $reason }). Nothing was lost; remove the cause and try again.
