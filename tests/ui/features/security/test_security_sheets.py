"""The security pages through their widgets: what each state shows, what each control wishes, the keyboard alone."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.core.ids import UserId
from welink_desktop.core.reactive import State
from welink_desktop.core.security import Cure, RecoveryState, Verification, VerificationEnd
from welink_desktop.features.security import codes, prompt
from welink_desktop.features.security.page import model as page
from welink_desktop.features.security.page.samples import HERE, PHONE, TABLET
from welink_desktop.features.security.page.samples import SAMPLES as PAGE
from welink_desktop.features.security.page.view import SecurityPage
from welink_desktop.features.security.recovery import model as recovery
from welink_desktop.features.security.recovery.samples import KEY
from welink_desktop.features.security.recovery.samples import SAMPLES as RECOVERY
from welink_desktop.features.security.recovery.view import RecoverySheet
from welink_desktop.features.security.sheet import Sheet, SheetDialog
from welink_desktop.features.security.verification import model as compare
from welink_desktop.features.security.verification.samples import SAMPLES as COMPARING
from welink_desktop.features.security.verification.view import CompareSheet
from welink_desktop.services.security import Prompt
from welink_desktop.strings import LANGUAGES, strings
from welink_desktop.ui.widgets.box import Plane, column

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def wishes() -> list[object]:
    return []


def shown(qtbot: QtBot, view: QWidget) -> None:
    qtbot.addWidget(view)
    view.resize(1000, 800)
    view.show()


def button(view: QWidget, name: str) -> QAbstractButton:
    found = view.findChild(QAbstractButton, name)
    assert found is not None, name
    return found


def line(view: QWidget, name: str) -> QLineEdit:
    found = view.findChild(QLineEdit, name)
    assert found is not None, name
    return found


def press(view: QWidget, name: str) -> None:
    found = button(view, name)
    assert found.isVisible(), name
    assert found.isEnabled(), name
    QTest.mouseClick(found, LEFT)


def words_on(view: QWidget) -> str:
    """Everything that is written or spoken."""
    found = [view, *view.findChildren(QWidget)]
    texts = [one.text() for one in found if hasattr(one, "text") and callable(one.text) and one.isVisibleTo(view)]
    names = [f"{one.accessibleName()} {one.accessibleDescription()}" for one in found if one.isVisibleTo(view)]
    return " ".join([*map(str, texts), *names])


# Recovery


def recovery_sheet(qtbot: QtBot, sample: str, wishes: list[object]) -> tuple[RecoverySheet, State[recovery.SheetState]]:
    state = State(RECOVERY[sample])
    sheet = RecoverySheet(state, wishes.append, "@lin:yunshan.example")
    shown(qtbot, sheet)
    return sheet, state


def test_turning_on_is_one_press(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "offer", wishes)
    press(sheet, "recovery-main")
    assert wishes == [recovery.TurnOn()]


def test_a_short_passphrase_is_refused_in_words(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "passphrase", wishes)
    field = line(sheet, "recovery-passphrase")
    assert field.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClicks(field, "short")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert wishes == []
    assert "12 characters" in field.accessibleDescription()
    QTest.keyClicks(field, " enough for anybody")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert wishes == [recovery.TurnOn("short enough for anybody")]


def test_the_key_is_copied_and_done_waits_until_it_is_kept(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, state = recovery_sheet(qtbot, "key", wishes)
    assert not button(sheet, "recovery-main").isEnabled()
    assert "Keep the recovery key" in button(sheet, "recovery-main").toolTip()
    press(sheet, "recovery-copy")
    assert QGuiApplication.clipboard().text() == KEY
    box = sheet.findChild(QWidget, "recovery-key")
    assert box is not None
    assert box.accessibleDescription() == KEY
    press(sheet, "recovery-kept")
    assert wishes == [recovery.Kept(True)]
    state.set(recovery.SheetState(recovery.Step.KEY, key=KEY, kept=True))
    press(sheet, "recovery-main")
    assert wishes[-1] == recovery.Leave()


def test_the_key_is_saved_for_this_user_only(qtbot: QtBot, dress: Dress, tmp_path: Path, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "key", wishes)
    path = tmp_path / "Recovery key.txt"
    sheet.save_to(path)
    assert "EsTc  LW2K" in path.read_text(encoding="utf-8")
    assert "@lin:yunshan.example" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    sheet.save_to(tmp_path / "missing" / "key.txt")


def test_leaving_without_the_key_is_a_choice(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "leaving", wishes)
    press(sheet, "recovery-stay")
    press(sheet, "recovery-leave-anyway")
    assert wishes == [recovery.Stay(), recovery.Leave(anyway=True)]


def test_a_wrong_key_is_said_at_the_field(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "wrong", wishes)
    field = line(sheet, "recovery-secret")
    assert "not the recovery key" in field.accessibleDescription()
    QTest.keyClicks(field, "EsTc LW2K")
    assert field.accessibleDescription() == ""
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert wishes == [recovery.Recover("EsTc LW2K")]
    press(sheet, "recovery-use-device")
    press(sheet, "recovery-aside")
    assert wishes[1:] == [recovery.FromDevice(), recovery.WantStartOver()]


def test_starting_over_states_its_consequences(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = recovery_sheet(qtbot, "start-over", wishes)
    said = words_on(sheet)
    assert "stay unreadable for good" in said
    assert "confirmed again" in said
    QTest.keyClicks(line(sheet, "recovery-password"), "spruce")
    press(sheet, "recovery-main")
    press(sheet, "recovery-cancel")
    assert wishes == [recovery.StartOver("spruce"), recovery.Back()]


def test_fetching_can_be_left_alone(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, state = recovery_sheet(qtbot, "restoring", wishes)
    assert "1,240 of 4,800" in words_on(sheet)
    press(sheet, "recovery-main")
    state.set(RECOVERY["done"])
    press(sheet, "recovery-main")
    assert wishes == [recovery.Leave(), recovery.Leave()]


# Comparing


def compare_sheet(qtbot: QtBot, sample: str, wishes: list[object]) -> tuple[CompareSheet, State[compare.CompareState]]:
    state = State(COMPARING[sample])
    sheet = CompareSheet(state, wishes.append)
    shown(qtbot, sheet)
    return sheet, state


def test_pictures_are_named_and_decided(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = compare_sheet(qtbot, "emoji", wishes)
    grid = sheet.findChild(QWidget, "verify-emoji")
    assert grid is not None
    assert grid.accessibleName().startswith("1: Penguin, 2: Fish, 3: Hat, 4: Rabbit, 5: Bell")
    dress(None, "zh-CN")
    assert grid.accessibleName().startswith("1：企鹅, 2：鱼, 3：帽子")
    dress()
    press(sheet, "verify-match")
    press(sheet, "verify-no-match")
    press(sheet, "verify-other-form")
    assert wishes == [compare.Decide(same=True), compare.Decide(same=False), compare.ShowNumbers(True)]


def test_numbers_are_shown_on_request(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = compare_sheet(qtbot, "numbers", wishes)
    numbers = sheet.findChild(QWidget, "verify-numbers")
    assert numbers is not None
    assert numbers.accessibleName() == "2305, 1031, 6743"
    press(sheet, "verify-other-form")
    assert wishes == [compare.ShowNumbers(False)]


def test_waiting_offers_another_way(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = compare_sheet(qtbot, "waiting", wishes)
    press(sheet, "verify-use-codes")
    press(sheet, "verify-recovery-key")
    press(sheet, "verify-close")
    assert wishes == [compare.UseCodes(), compare.UseRecoveryKey(), compare.Leave()]


def test_a_shown_code_reads_back_exactly(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    from welink_desktop.features.security.verification.pictures import codes_in

    sheet, state = compare_sheet(qtbot, "code", wishes)
    code = sheet.findChild(QWidget, "verify-code")
    assert code is not None
    flow = state.value.verification
    assert flow is not None
    assert codes_in(code.grab().toImage()) == (flow.code,)
    dress(None, "zh-CN")
    press(sheet, "verify-scan")
    press(sheet, "verify-compare")
    assert wishes == [compare.BeginScan(), compare.ComparePictures()]


def test_a_photo_of_a_code_is_read(qtbot: QtBot, dress: Dress, tmp_path: Path, wishes: list[object]) -> None:
    data = b"MATRIX\x02\x01" + bytes(range(256))[60:180]
    dots = codes.encode(data)
    image = QImage(dots.side + 8, dots.side + 8, QImage.Format.Format_RGB32)
    image.fill(QColor(Qt.GlobalColor.white))
    for at, dark in enumerate(dots.dark):
        if dark:
            image.setPixelColor(at % dots.side + 4, at // dots.side + 4, QColor(Qt.GlobalColor.black))
    path = tmp_path / "photo.png"
    assert image.scaled(3 * image.width(), 3 * image.height()).save(str(path))
    sheet, _ = compare_sheet(qtbot, "scanning", wishes)
    sheet.scan_file(str(path))
    assert wishes == [compare.Scanned((data,))]
    (tmp_path / "notes.png").write_bytes(b"no picture at all")
    sheet.scan_file(str(tmp_path / "notes.png"))
    assert wishes[-1] == compare.Scanned(())
    press(sheet, "verify-scan-camera")
    press(sheet, "verify-scan-back")
    assert wishes[-2:] == [compare.UseCamera(True), compare.EndScan()]


@pytest.mark.parametrize("end", list(VerificationEnd))
def test_every_end_is_said_with_a_next_step(qtbot: QtBot, dress: Dress, wishes: list[object], end: VerificationEnd) -> None:
    sheet, _ = compare_sheet(qtbot, f"ended-{end.value}", wishes)
    said = words_on(sheet)
    assert strings("en")(f"verification-ended-{end.value}") in said
    assert strings("en")(f"verification-ended-{end.value}-next") in said
    assert button(sheet, "verify-again").isVisible() == (end is not VerificationEnd.ELSEWHERE)
    press(sheet, "verify-close")
    assert wishes == [compare.Leave()]


def test_a_scan_is_confirmed_by_the_one_who_showed(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet, _ = compare_sheet(qtbot, "scanned", wishes)
    assert button(sheet, "verify-match").text() == "Yes, it worked"
    press(sheet, "verify-match")
    assert wishes == [compare.Decide(same=True)]


# The page


def security_page(qtbot: QtBot, sample: str, wishes: list[object]) -> tuple[SecurityPage, State[page.PageState]]:
    state = State(PAGE[sample])
    view = SecurityPage(state, wishes.append)
    shown(qtbot, view)
    wishes.clear()
    return view, state


def test_one_line_names_the_cure_and_other_ways(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, state = security_page(qtbot, "unverified", wishes)
    status = view.findChild(QWidget, "security-status")
    assert status is not None
    assert status.accessibleName() == "This device is not confirmed yet"
    for name in ("security-cure", "security-cure-2", "security-cure-3"):
        press(view, name)
    cures = (Cure.CONFIRM_FROM_DEVICE, Cure.ENTER_RECOVERY_KEY, Cure.START_OVER)
    assert wishes == [page.TakeCure(cure) for cure in cures]
    state.set(PAGE["ready"])
    assert not button(view, "security-cure").isVisible()
    press(view, "security-restore")
    press(view, "security-new-key")
    assert wishes[-2:] == [page.RestoreAll(), page.NewRecoveryKey()]


def test_devices_say_who_they_are(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = security_page(qtbot, "ready", wishes)
    said = words_on(view)
    assert "This device" in said
    assert "Not confirmed" in said
    assert button(view, f"device-sign-out-{PHONE.device.lower()}").accessibleName() == "Sign out Lin’s phone"
    assert not button(view, f"device-sign-out-{HERE.device.lower()}").isVisible()
    press(view, f"device-confirm-{TABLET.device.lower()}")
    press(view, f"device-rename-{TABLET.device.lower()}")
    press(view, f"device-sign-out-{PHONE.device.lower()}")
    press(view, "security-sign-out-all")
    wanted = [page.Confirm(TABLET.device), page.BeginRename(TABLET.device), page.AskSignOut(PHONE.device), page.AskSignOut()]
    assert wishes == wanted


def test_a_name_is_changed_in_place(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, state = security_page(qtbot, "ready", wishes)
    state.set(PAGE["renaming"])
    field = line(view, f"device-rename-field-{TABLET.device.lower()}")
    assert field.text() == "Ward tablet 3"
    field.setText("Ward tablet 4")
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert wishes == [page.Rename(TABLET.device, "Ward tablet 4"), page.EndRename()]


def test_signing_out_is_asked_with_the_password(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = security_page(qtbot, "sign-out", wishes)
    field = line(view, "sign-out-password")
    assert field.echoMode() is QLineEdit.EchoMode.Password
    assert "do not match" in field.accessibleDescription()
    QTest.keyClicks(field, "spruce")
    QTest.keyClick(field, Qt.Key.Key_Return)
    press(view, "sign-out-cancel")
    assert wishes == [page.SignOutNow("spruce"), page.CancelSignOut()]


def test_a_locked_switch_says_who_decides_and_stays(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, state = security_page(qtbot, "locked", wishes)
    switch = button(view, "security-only-confirmed")
    QTest.mouseClick(switch, LEFT)
    assert wishes == []
    assert switch.isChecked()
    assert "Set by your organisation" in switch.accessibleDescription()
    state.set(PAGE["ready"])
    QTest.mouseClick(switch, LEFT)
    assert wishes == [page.OnlyConfirmed(True)]


# The prompt


def test_the_prompt_proposes_and_can_be_put_off(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    said: State[Prompt | None] = State(None)
    banner = prompt.PromptBanner(said, wishes.append, lambda _: "Maya Okafor")
    host = Plane("surface")
    column(host).addWidget(banner)
    shown(qtbot, host)
    assert not banner.isVisible()
    said.set(Prompt(RecoveryState.NOT_SET_UP, Cure.TURN_ON_RECOVERY))
    assert banner.isVisible()
    assert button(banner, "security-prompt-main").text() == "Turn on recovery"
    press(banner, "security-prompt-main")
    press(banner, "security-prompt-later")
    assert wishes == [prompt.TakeUp(), prompt.PutOff()]
    said.set(Prompt(request=Verification("f", UserId("@maya:x"), incoming=True)))
    assert "Maya Okafor wants to compare" in words_on(banner)
    said.set(None)
    assert not banner.isVisible()


# Keyboard alone


def opened(qtbot: QtBot, sheet: Sheet) -> tuple[Plane, SheetDialog]:
    plane = Plane("surface")
    with qtbot.waitActive(plane):
        shown(qtbot, plane)
    dialog = SheetDialog(plane, sheet, lambda: None)
    dialog.present()
    return plane, dialog


def walk(steps: int) -> set[str]:
    """The names of what Tab reaches."""
    names = set()
    for _ in range(steps):
        focused = QApplication.focusWidget()
        assert focused is not None
        names.add(focused.objectName())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    return names


def test_a_comparison_is_decided_with_the_keyboard(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    sheet = CompareSheet(State(COMPARING["emoji"]), wishes.append)
    opened(qtbot, sheet)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.objectName() == "verify-match"
    assert {"verify-match", "verify-no-match", "verify-other-form"} <= walk(5)
    button(sheet, "verify-match").setFocus()
    QTest.keyClick(button(sheet, "verify-match"), Qt.Key.Key_Return)
    assert wishes == [compare.Decide(same=True)]


def test_a_recovery_key_is_kept_with_the_keyboard(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    state = State(RECOVERY["offer"])
    sheet = RecoverySheet(state, wishes.append)
    _, dialog = opened(qtbot, sheet)
    main = QApplication.focusWidget()
    assert main is button(sheet, "recovery-main")
    QTest.keyClick(main, Qt.Key.Key_Return)
    assert wishes == [recovery.TurnOn()]
    state.set(RECOVERY["key"])
    assert dialog.title.text() == "Your recovery key"
    assert {"recovery-copy", "recovery-save", "recovery-kept"} <= walk(5)
    button(sheet, "recovery-kept").setFocus()
    QTest.keyClick(button(sheet, "recovery-kept"), Qt.Key.Key_Space)
    assert wishes[-1] == recovery.Kept(True)
    dialog.finish()


def test_escape_asks_the_sheet(qtbot: QtBot, dress: Dress) -> None:
    asked: list[None] = []
    plane = Plane("surface")
    shown(qtbot, plane)
    dialog = SheetDialog(plane, RecoverySheet(State(RECOVERY["key"]), lambda _: None), lambda: asked.append(None))
    dialog.present()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert asked
    assert dialog.isVisible()
    dialog.finish()


# Words


FORBIDDEN = {
    "en": ("encrypt", "cryptograph", "cross-sign", "ssss", "megolm", "olm", "fingerprint", "signature", "secret storage"),
    "zh-CN": ("加密", "密码学", "交叉签名", "签名", "指纹", "会话密钥"),
}
PREFIXES = ("recovery-", "cure-", "security-", "verif", "prompt-", "trust-", "message-cure-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_cryptographic_word_on_the_way(language: str) -> None:
    said = strings(language)
    for key in sorted(said.keys()):
        if not key.startswith(PREFIXES) or key.startswith("verify-emoji-"):
            continue
        words = said(key, name="N", device="D", done=1, total=2, count=2, when="W", account="A", number=1).lower()
        for forbidden in FORBIDDEN[language]:
            assert forbidden not in words, f"{key}: {words}"
        rest = words.replace("recovery key", "").replace("恢复密钥", "").replace("旧密钥", "").replace("新的恢复密钥", "")
        assert "key" not in rest.split(), f"{key}: {words}"
        assert "密钥" not in rest, f"{key}: {words}"
