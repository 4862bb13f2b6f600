"""Colours and the style sheet, dark and light."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

_IMAGES = (Path(__file__).parent / "images").as_posix()

# On pictures, the same in both themes: a blue and an orange that colour-blind people tell apart.
VISIBLE = "#3d8bff"
HIDDEN = "#ffa424"
NEGATIVE = "#ff5d52"
# Where samples agree and where they do not, which is striped as well.
SURE = "#14c896"
UNSURE = "#e63cc8"


@dataclass(frozen=True)
class Theme:
    """All colours of the window, as #rrggbb."""

    name: str
    window: str
    panel: str
    raised: str
    field: str
    line: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    canvas: str
    view_top: str
    view_bottom: str
    good: str
    warn: str
    bad: str


DARK = Theme(
    name="dark",
    window="#16181d",
    panel="#1d2026",
    raised="#2a2e37",
    field="#14161a",
    line="#343944",
    text="#eceef3",
    muted="#9fa7b6",
    accent="#5b8cff",
    accent_hover="#7aa2ff",
    on_accent="#0b1020",
    canvas="#101216",
    view_top="#3a4150",
    view_bottom="#171a20",
    good="#3ecf8e",
    warn="#f5b740",
    bad="#ff6b61",
)

LIGHT = Theme(
    name="light",
    window="#f1f3f6",
    panel="#ffffff",
    raised="#e8ebf0",
    field="#ffffff",
    line="#d3d8e0",
    text="#1a1d24",
    muted="#5c6575",
    accent="#2f62e0",
    accent_hover="#1f50c8",
    on_accent="#ffffff",
    canvas="#dfe3e9",
    view_top="#e8ecf2",
    view_bottom="#b3bccb",
    good="#12875a",
    warn="#a86a00",
    bad="#c93a30",
)

_SHEET = """
* {{ outline: 0; }}
QMainWindow, QDialog {{ background: {window}; }}
QMainWindow::separator {{ background: {window}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QWidget {{ color: {text}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {line}; padding: 4px 6px; }}
QMenuBar {{ background: {window}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 5px; background: transparent; }}
QMenuBar::item:selected {{ background: {raised}; }}
QMenu {{ background: {panel}; border: 1px solid {line}; padding: 5px; }}
QMenu::item {{ padding: 5px 26px 5px 22px; border-radius: 5px; }}
QMenu::item:selected {{ background: {accent}; color: {on_accent}; }}
QMenu::item:disabled {{ color: {muted}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 5px 8px; }}
QStatusBar {{ background: {window}; color: {muted}; }}
QStatusBar::item {{ border: 0; }}
QDockWidget {{ color: {muted}; font-weight: 600; }}
QDockWidget > QWidget {{ background: {panel}; }}
QTabBar {{ background: {window}; qproperty-drawBase: 0; }}
QTabBar::tab {{ color: {muted}; padding: 6px 13px; border: 0; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom: 2px solid {accent}; }}
QTabBar::tab:hover {{ color: {text}; }}
#rail, #bar, #card {{ background: {panel}; }}
#page {{ background: {window}; }}
#card {{ border: 1px solid {line}; border-radius: 12px; }}
#card:hover {{ border-color: {accent}; }}
#dropping {{ border: 2px dashed {accent}; border-radius: 12px; }}
#title {{ font-size: 16pt; font-weight: 600; }}
#subtitle {{ color: {muted}; font-size: 11pt; }}
#heading {{ font-size: 12pt; font-weight: 600; }}
#muted {{ color: {muted}; }}
#caption {{ color: {muted}; font-size: 8.5pt; }}
#stage {{ font-weight: 600; }}
#stage:disabled {{ font-weight: 400; color: {muted}; }}
#link {{ color: {accent}; border: 0; background: transparent; text-align: left; padding: 3px 0; }}
#link:hover {{ text-decoration: underline; }}
QPushButton {{ background: {raised}; border: 1px solid {line}; border-radius: 7px; padding: 6px 13px; }}
QPushButton:hover {{ border-color: {accent}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:pressed {{ background: {line}; }}
QPushButton:disabled {{ color: {muted}; border-color: {line}; }}
QPushButton#primary {{ background: {accent}; color: {on_accent}; border: 0; font-weight: 600; font-size: 11pt;
    border-radius: 9px; padding: 9px 22px; }}
QPushButton#primary:hover {{ background: {accent_hover}; }}
QPushButton#primary:focus {{ border: 2px solid {text}; padding: 7px 20px; }}
QPushButton#primary:disabled {{ background: {raised}; color: {muted}; }}
QPushButton#second {{ border-radius: 9px; padding: 9px 30px 9px 16px; }}
QPushButton::menu-indicator {{ image: url({images}/down.png); subcontrol-position: right center; right: 8px;
    width: 14px; height: 14px; }}
QPushButton#danger {{ border-color: {bad}; color: {bad}; font-weight: 600; border-radius: 9px; padding: 9px 22px; }}
QPushButton#danger:disabled {{ color: {muted}; border-color: {line}; }}
QPushButton#segment {{ border-radius: 0; padding: 6px 9px; border-right-width: 0; }}
QPushButton#segment[place="first"] {{ border-top-left-radius: 7px; border-bottom-left-radius: 7px; }}
QPushButton#segment[place="last"] {{ border-top-right-radius: 7px; border-bottom-right-radius: 7px;
    border-right-width: 1px; }}
QPushButton#segment:checked {{ background: {accent}; color: {on_accent}; border-color: {accent}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 7px; padding: 5px; }}
QToolButton:hover {{ background: {raised}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:checked {{ background: {accent}; color: {on_accent}; }}
QToolButton#overlay {{ background: {panel}; border-color: {line}; padding: 4px; }}
QToolButton#overlay:hover {{ border-color: {accent}; }}
QToolButton#overlay:checked {{ background: {accent}; border-color: {accent}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit {{ background: {field}; border: 1px solid {line};
    border-radius: 7px; padding: 5px 8px; selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{ border-color: {accent}; }}
QLineEdit:disabled {{ color: {muted}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 0; }}
QAbstractSpinBox QLineEdit {{ border: 0; padding: 0 8px; background: transparent; }}
QComboBox::drop-down {{ border: 0; width: 24px; }}
QComboBox::down-arrow {{ image: url({images}/down.png); }}
QComboBox QAbstractItemView {{ background: {panel}; border: 1px solid {line}; padding: 3px;
    selection-background-color: {accent}; selection-color: {on_accent}; }}
QPlainTextEdit#history, QListView, QListWidget, QScrollArea {{ background: {panel}; border: 0; }}
QScrollArea > QWidget > QWidget {{ background: {panel}; }}
QListWidget::item {{ border-radius: 7px; padding: 4px 6px; }}
QListWidget::item:selected {{ background: {raised}; color: {text}; }}
QListWidget::item:hover {{ background: {raised}; }}
QProgressBar {{ background: {raised}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QCheckBox {{ spacing: 8px; }}
QCheckBox::indicator {{ width: 15px; height: 15px; border: 1px solid {muted}; border-radius: 4px;
    background: {field}; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url({images}/check.png); }}
QCheckBox::indicator:focus {{ border-color: {text}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {line}; border-radius: 3px; min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
#row {{ border-radius: 8px; }}
#row:hover, #row[current="true"] {{ background: {raised}; }}
#message {{ background: {raised}; border-radius: 9px; border: 1px solid {line}; }}
#message[kind="problem"] {{ border-left: 4px solid {bad}; }}
#message[kind="waiting"] {{ border-left: 4px solid {warn}; }}
#message[kind="notice"] {{ border-left: 4px solid {good}; }}
"""


def theme_for(scheme: Qt.ColorScheme) -> Theme:
    """Light when the system says so, else dark: pictures are judged best on dark."""
    return LIGHT if scheme is Qt.ColorScheme.Light else DARK


def apply(application: QApplication, theme: Theme) -> None:
    """Dress the whole application."""
    colours = asdict(theme)
    role = QPalette.ColorRole
    palette = QPalette()
    for target, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.field),
        (role.AlternateBase, theme.panel),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.bad),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
        (role.PlaceholderText, theme.muted),
        (role.Mid, theme.line),
        (role.Accent, theme.accent),
    ):
        palette.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(theme.muted))
    application.setPalette(palette)
    application.setStyleSheet(_SHEET.format(images=_IMAGES, **colours))
