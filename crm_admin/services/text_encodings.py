"""How the bytes of a text file become characters: UTF-8, UTF-16, GB18030 or Big5.

Chinese text in the two older encodings often decodes in both, one of them giving nonsense. The
right one is told by its share of everyday characters, which works on a file of three rows; general
detectors need far more text.
"""

import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crm_admin.i18n import N_
from crm_admin.services.table_limits import Unreadable

#: The encodings a person may choose, under the names Python gives them.
ENCODINGS = ("utf-8", "gb18030", "big5hkscs", "utf-16")
_ALIASES = {"gbk": "gb18030", "gb2312": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs"}
_CODECS = {"utf-8": "utf-8-sig"}
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHUNK = 256 * 1024
_SAMPLE = 100_000  # characters that are weighed, at most
_LIKELY = 0.1  # wrong guesses stay below it, text of any subject far above
# Where each encoding keeps its usual and its rarer characters: lead bytes, least trail, weight.
_ODD = -0.3
_ZONES = {
    "gb18030": ((0xB0, 0xD7, 0xA1, 0.3), (0xD8, 0xF7, 0xA1, 0.0), (0xA1, 0xA9, 0xA1, 0.0)),
    "big5hkscs": ((0xA4, 0xC6, 0x40, 0.3), (0xC9, 0xF9, 0x40, 0.0), (0xA1, 0xA3, 0x40, 0.0)),
}

#: Frequent characters, then those of names, places and the headers of business tables.
_SIMPLIFIED = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能"
    "下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加"
    "量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与"
    "关各重新线内数正心反你明看原又利比或但质气第向道命此变条只没结解问意建月公无系军很情者最"
    "立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图"
    "山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处世车市县省镇"
    "村街号楼室层座栋张王李赵刘陈杨黄周吴徐孙胡朱林何郭马罗梁宋郑谢韩唐冯董萧曹袁邓许傅沈曾彭"
    "吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田姜范石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙"
    "万段雷钱汤尹黎易武乔贺赖龚伟芳娜秀英敏静丽磊洋勇艳杰娟涛超霞刚婷玉华红梅志晓春雪佳欣雅怡"
    "美玲慧淑俊豪宏北京海津庆河南湖广东安徽福浙川云贵州陕甘肃青宁疆蒙古辽吉黑深圳汉杭沙厦门香"
    "港澳台湾沂岛连郊济哈尔滨肥昆乌鲁木齐拉萨锡波佛莞珠温烟竹桃园彰嘉屏花莲隆旺仔司限集团股份"
    "科技商贸企厂店客户联姓名称话码传真邮箱编址城备注创负责销售采购监助专职务男女龄籍证身型规"
    "格单价额协议订票状态类源跟记录潜索报交未签署付款收税率币优低折扣库存仓储服投诉请完待办场"
    "推预算费渠伙伴网站微信项目划标启停禁效姐太士医院校银酒食药械材软息术汽房筑装饰造教育融保"
    "险咨询媒告际口环百货纺织妆容餐饮旅游涵梓轩宇浩诗琪雨桐馨思远博昊晨曦睿悦彤瑶琳颖洁萍燕凤"
    "兰莉倩妍瑞祥顺昌荣辉耀鑫泰盛达健乐仁礼智忠孝恒德善鸿升腾飞跃翔鹏欧柯鲍邝谌庄严翁毕聂焦樊"
    "阮兆锦秋冬怀爱友朋亲师父母儿孩兄弟妹庭脑眼睛足血绿蓝色光音声歌舞画书纸笔墨字词句语言读写"
    "听闻吃喝衣住走跑鸟鱼虫牛羊猪狗猫鸡草树风星辰早晚午夜冷热暖凉快慢近浅轻旧坏丑假恶错左右破"
    "虚死亡"
)
#: The same where Traditional writes them otherwise.
_TRADITIONAL = (
    "並乾佈併來係倉個們偉傑備傳價優儲兒內兩別則剛創劃劉動務區協吳呂員問啓啟喫喬單嚴國園圖團報"
    "場壞夥妝姪孫學實寧寫將專對層島師幣幹幾庫廈廠廣張強後從恆悅惡愛態慶應懷戰戶採據數於時曉書"
    "會東條棟楊業榮樂樓標樣樹機歐氣決沒涼淺湯溫漢潔潛濟濤濱灣為烏無煙熱爲爾狀現瑤環產畢畫當發"
    "監盧眾瞭碼禮稅種稱穎筆範築籤紅紙級紡組結統經綠網線編縣總織繫羅群義聞聯聲聶職聽肅腦臺與舊"
    "莊華萬葉著蓮蔣蕭薩藍藥蘇蘭處虛號蟲術衛裏裝裡製複見規親訂計記設許訴詞詢詩話語說説請論諮諶"
    "謝證譚議讀變豔豬貓負貨責貴費貿賀資賈質賴購趙躍車軍軒軟較輕輝辦農這連週進遊運過達遠遼還邊"
    "郵鄒鄧鄭鄺醜醫銀銷錄錢錦錫錯鍾鎮鐘長門開間閻關陝陳陸際險隻雞雲電靜韓項順預頭題額類顧風颱"
    "飛飲飾餘馬馮騰體髮鬥魚魯鮑鳥鳳鴻鵬麗麵黃點黨齊齡龍龔"
)
_EVERYDAY = frozenset(_SIMPLIFIED + _TRADITIONAL)


@dataclass
class Reading:
    """What a file gives when read in one encoding, up to the first bytes that do not fit it."""

    encoding: str
    lines: int = 0
    chars: Counter[str] = field(default_factory=Counter)
    fits: bool = True
    has_formula_text: bool = False

    @property
    def line(self) -> int:
        """Return the number of the line where reading stopped, from 1."""
        return self.lines + 1

    def likelihood(self) -> float:
        """Return from 0 to 1 how much the characters look like everyday Chinese."""
        foreign = {c: n for c, n in self.chars.items() if not c.isascii()}
        score = sum(n * _weight(c, self.encoding) for c, n in foreign.items())
        return score / max(1, sum(foreign.values()))


def codec(encoding: str) -> str:
    """Return the codec with which to open a file: it drops the mark of UTF-8 at the start."""
    return _CODECS.get(encoding, encoding)


def recognised(path: Path, chosen: str | None = None) -> Reading:
    """Return the whole file's reading in the encoding chosen, or else in the one it is in.

    Raises:
        Unreadable: bytes that do not fit, NUL characters, or no encoding that is likely.
    """
    with path.open("rb") as file:
        start = file.read(4)
    encoding = _named(chosen) if chosen else _marked(start)
    reading = _read(path, encoding) if encoding else _told_apart(path)
    if not reading.fits:
        raise _misfit(reading)
    return reading


def _named(chosen: str) -> str:
    name = chosen.strip().lower().replace("_", "-")
    name = _ALIASES.get(name, name)
    if name not in ENCODINGS:
        raise Unreadable(N_("The encoding %(name)s is not known."), name=chosen)
    return name


def _marked(start: bytes) -> str | None:
    return next((name for mark, name in _BOMS.items() if start.startswith(mark)), None)


def _told_apart(path: Path) -> Reading:
    utf8 = _read(path, "utf-8")
    if utf8.fits and not _may_be_disguised(utf8.chars):
        return utf8
    if _is_broken_utf8(utf8):
        return utf8
    others = [_read(path, "gb18030"), _read(path, "big5hkscs")]
    fitting = [(reading.likelihood(), reading) for reading in others if reading.fits]
    best, reading = max(fitting, key=lambda pair: pair[0], default=(0.0, utf8))
    if utf8.fits:
        return reading if best > 0.6 else utf8
    if not fitting:
        return max(utf8, *others, key=lambda r: r.lines)
    if best < _LIKELY:
        raise Unreadable(
            N_(
                "The encoding of this text file could not be told. Choose it by hand, or save the"
                " file as “CSV UTF-8” in Excel."
            )
        )
    return reading


def _read(path: Path, encoding: str) -> Reading:
    reading = Reading(encoding)
    newlines = returns = sampled = 0
    for text in _decoded(path, reading):
        if "\0" in text:
            before = text[: text.index("\0")]
            raise _not_text(1 + (newlines + before.count("\n") or returns + before.count("\r")))
        newlines += text.count("\n")
        returns += text.count("\r")
        reading.has_formula_text = reading.has_formula_text or '="' in text
        if sampled < _SAMPLE and not text.isascii():
            reading.chars.update(text)
            sampled += len(text)
    reading.lines = newlines or returns
    return reading


def _decoded(path: Path, reading: Reading) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec(reading.encoding))("strict")
    chunk = b"-"
    with path.open("rb") as file:
        while chunk:
            chunk = file.read(_CHUNK)
            try:
                yield decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                reading.fits = False
                yield error.object[: error.start].decode(error.encoding, "ignore")
                return


def _may_be_disguised(chars: Counter[str]) -> bool:
    # Short words in GB18030 can be valid UTF-8 by chance, and then are Cyrillic or Arabic in it.
    foreign = [c for c in chars if not c.isascii()]
    return bool(foreign) and all("\u0250" <= c <= "\u07ff" for c in foreign)


def _is_broken_utf8(reading: Reading) -> bool:
    # Three bytes in a row rarely fit UTF-8 by chance, so some characters of three are proof.
    foreign = sum(n for c, n in reading.chars.items() if not c.isascii())
    wide = sum(n for c, n in reading.chars.items() if c > "\u07ff")
    return not reading.fits and wide >= 5 and wide * 2 > foreign


def _weight(char: str, encoding: str) -> float:
    if char in _EVERYDAY:
        return 1.0
    try:
        code = char.encode(encoding)
    except UnicodeEncodeError:
        return _ODD
    if len(code) != 2:
        return _ODD
    for first, last, trail, weight in _ZONES[encoding]:
        if first <= code[0] <= last and code[1] >= trail:
            return weight
    return _ODD


def _misfit(reading: Reading) -> Unreadable:
    return Unreadable(
        N_(
            "Line %(line)s holds bytes that are no text in the encoding %(encoding)s. Choose"
            " another encoding, or save the file as “CSV UTF-8” in Excel."
        ),
        line=reading.line,
        encoding=reading.encoding.upper(),
    )


def _not_text(line: int) -> Unreadable:
    return Unreadable(
        N_(
            "Line %(line)s holds NUL characters, so this is not a text file. Save the table as"
            " .xlsx or as “CSV UTF-8” in Excel."
        ),
        line=line,
    )
