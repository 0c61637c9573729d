"""The sixty attacks: what each stands for and what must be seen (matrix.md §8.9, reliability.md §3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """`rule`: section or rule of matrix.md, or the class it stands for. `weak_elsewhere`: matrix-js-sdk 43 does not refuse it.

    `lab`: run between machines without a homeserver; all others run against the real one through the hostile way.
    """

    number: int
    name: str
    rule: str
    seen: str
    weak_elsewhere: bool = False
    lab: bool = False


ATTACKS = (
    Attack(1, "foreign_device_injected", "§8.9 rule 1, CVE-2021-40823", "no key, m.unverified, not trusted"),
    Attack(2, "device_under_the_wrong_user", "§8.9 rule 13", "does not exist"),
    Attack(3, "device_signature_wrong", "§8.2 rule 4", "does not exist"),
    Attack(4, "same_device_id_with_new_keys", "§8.9 rule 11; the server accepts them", "old record kept, marked, no key"),
    Attack(5, "stolen_curve_key", "§8.9 rule 12, unknown key-share", "second device refused", weak_elsewhere=True),
    Attack(6, "answer_for_users_not_asked", "§8.9 rule 13", "ignored"),
    Attack(7, "own_device_with_other_keys", "§8.9 rule 11", "own keys stay, nothing signed"),
    Attack(8, "foreign_device_in_own_account", "§8.9 rule 1", "no key, not trusted, not signed"),
    Attack(9, "all_zero_device_key", "§9, low-order points", "no session, nothing believed"),
    Attack(10, "master_swapped_before_verification", "§8.6 pin", "CHANGED, devices not signed, messages marked"),
    Attack(11, "master_swapped_after_verification", "§8.6, §8.9 rule 1", "BROKEN, sending stops, 0 keys"),
    Attack(12, "master_vanishes", "§8.6", "BROKEN, sending stops, 0 keys"),
    Attack(13, "self_signing_key_not_by_the_master", "§8.6 chain", "devices not signed, no key"),
    Attack(14, "device_signed_by_a_foreign_key", "§8.6 chain", "not signed, no key"),
    Attack(15, "own_master_swapped", "§8.6", "not verified, nothing signed, no new identity"),
    Attack(16, "forged_verification_of_a_person", "§8.9 rule 6", "not verified"),
    Attack(17, "unsigned_device_under_the_policy", "MSC4153", "no key, m.unverified, messages marked"),
    Attack(18, "one_time_key_with_a_wrong_signature", "§8.9 rule 14", "no session, nothing leaves"),
    Attack(19, "all_zero_one_time_key", "§9, low-order points", "no session, nothing leaves"),
    Attack(20, "one_time_key_of_another_device", "§8.9 rule 14", "no session, nothing leaves"),
    Attack(21, "one_time_key_used_twice", "§8.3 replay", "second use refused, same message once"),
    Attack(22, "sender_that_is_not_the_sender", "§8.9 rule 2, CVE-2025-48937", "refused"),
    Attack(23, "unknown_device_with_a_known_name", "§8.3", "held, never believed"),
    Attack(24, "for_another_recipient", "§8.9 rule 2", "refused"),
    Attack(25, "in_clear_what_needs_olm", "§8.9 rule 4", "refused"),
    Attack(26, "megolm_between_devices", "§8.9 rule 4, CVE-2022-39251", "refused"),
    Attack(27, "encrypted_inside_olm", "§8.9 rule 4", "refused"),
    Attack(28, "sender_is_not_the_owner", "§8.9 rule 3, CVE-2026-45056", "SENDER_MISMATCH"),
    Attack(29, "replay_under_a_new_event_id", "§8.9 rule 10", "REPLAYED, shown once", weak_elsewhere=True),
    Attack(30, "session_in_another_room", "§8.9 rule 10", "not readable there"),
    Attack(31, "another_room_inside", "§8.9 rule 10", "WRONG_ROOM"),
    Attack(32, "types_that_rooms_must_not_seal", "§8.9 rule 4", "DAMAGED, nothing happens"),
    Attack(33, "room_key_under_another_name", "§8.4", "refused"),
    Attack(34, "session_of_another_passed_as_own", "§8.9 rules 3, 10", "REPLAYED, owner's messages stay his"),
    Attack(35, "edit_by_somebody_else", "§8.9 rule 7, CVE-2026-45057", "the original is shown"),
    Attack(36, "edit_in_clear_of_a_sealed_message", "§8.9 rule 7", "the original is shown"),
    Attack(37, "recall_from_another_room", "§3.2", "the message stays"),
    Attack(38, "encryption_state_emptied", "§8.9 rule 8", "still sealed"),
    Attack(39, "encryption_algorithm_changed", "§8.9 rule 8", "sending refused, nothing in clear"),
    Attack(40, "rotation_settings_that_make_no_sense", "§8.4", "clamped, new sessions"),
    Attack(41, "clear_text_in_an_encrypted_room", "§8.9 rule 8", "CLEAR_IN_ENCRYPTED"),
    Attack(42, "withheld_that_lies", "§8.4", "keys stay and count"),
    Attack(43, "secret_that_nobody_asked_for", "§8.9 rule 5, CVE-2022-39264", "not taken"),
    Attack(44, "secret_from_a_device_that_is_not_verified", "§8.9 rule 5", "not taken"),
    Attack(45, "secret_of_a_wrong_value", "§8.9 rule 5", "not taken, device not heard again"),
    Attack(46, "secret_asked_by_others", "§8.7", "nothing leaves"),
    Attack(47, "forwarded_keys_that_nobody_asked_for", "§8.4, §8.9 rule 15", "not taken; if asked for, UNPROVEN"),
    Attack(48, "room_key_asked_by_others", "§8.4, CVE-2021-40823", "nothing leaves"),
    Attack(49, "backup_replaced_by_the_server", "§8.7", "nothing uploaded, SECRETS_MISSING"),
    Attack(50, "backup_session_in_another_room", "§8.9 rules 10, 15", "WRONG_ROOM, UNPROVEN"),
    Attack(51, "backup_answers_that_are_misread", "§8.7", "good entries restored, garbage ignored", weak_elsewhere=True),
    Attack(52, "recovery_key_swapped_by_the_server", "§8.7", "no secret uploaded, key refused"),
    Attack(53, "passphrase_rounds_that_make_no_sense", "§8.7", "refused at once"),
    Attack(54, "secrets_of_another_identity", "§8.6", "not believed, nothing signed"),
    Attack(55, "history_without_the_inviters_choice", "§8.5", "nothing leaves", weak_elsewhere=True),
    Attack(56, "history_from_somebody_else", "§8.5, CVE-2024-47080", "not taken"),
    Attack(57, "keys_swapped_during_sas", "§8.9 rule 19", "ends, nothing proved", lab=True),
    Attack(58, "wrong_commitment_wrong_mac_old_mac_method", "§8.8", "ends, nothing proved", lab=True),
    Attack(59, "code_with_a_wrong_secret_or_keys", "§8.8", "ends, nothing proved", lab=True),
    Attack(60, "third_party_in_the_flow", "§8.9 rule 19", "ignored", lab=True),
)
