# 会话列表、消息、输入框和详情。
chat-title = 消息
chat-timeline = 会话消息
chat-you = 我
chat-edited = 已编辑
chat-day-today = 今天 { $date }
chat-day-yesterday = 昨天 { $date }
chat-new-messages = { $count } 条新消息
chat-reply-unknown = 某人
chat-reply-not-loaded = 较早的消息
chat-go-to-original = 转到原消息
chat-picture-open = 保存图片 { $name }
chat-save-file = 保存 { $name }
chat-save = 另存为…
chat-save-title = 保存文件
chat-saved = 已保存为 { $name }
chat-upload-progress = 已发送 { $percent } %
chat-file = 文件
chat-unreadable-yet = 此设备暂时无法读取这条消息
chat-unreadable = 此设备无法读取这条消息
chat-sent-from = 由 { $device } 发出。
chat-malformed = 有一条消息已损坏，无法显示。
chat-unsupported = 此版本不支持显示这种消息。
chat-recalled = { $name } 于 { $time } 撤回了一条消息。
chat-recalled-own = 您于 { $time } 撤回了一条消息。
chat-react = 添加表情回应
chat-not-sent = { $time } 未发出
chat-try-again = 重试
chat-copy-text = 复制文字
chat-delete = 删除
chat-read-by = { $count }/{ $total } 人已读
chat-read-names = { $names } 已读
chat-spoken-reply = 回复 { $name }
chat-spoken-reaction = { $emoji } { $count }
chat-state-queued = 等待发送
chat-state-sending = 正在发送
chat-message-actions = 消息操作
chat-action-react = 回应
chat-action-reply = 回复
chat-action-edit = 编辑
chat-action-more = 更多操作
chat-recall = 对所有人撤回
chat-recall-title = 撤回这条消息？
chat-recall-sentence = 会话中的所有人都将看不到它，只留下一行撤回提示。
chat-jump-to-end = 转到最新消息
chat-attachment-image = 图片 { $name }
chat-attachment-file = 文件 { $name }
chat-attachment-audio = 音频 { $name }
chat-attachment-voice = 语音消息 { $name }
chat-attachment-video = 视频 { $name }
chat-loading-older = 正在加载更早的消息
chat-empty-room = 会话从这里开始
chat-empty-room-encrypted = 消息仅限会话成员可读，服务器无法读取。
chat-empty-room-clear = 此会话未加密，服务器可以读取。
chat-no-room = 尚未打开会话
chat-no-room-sentence = 请在左侧选择会话，或在通讯录中查找同事。

# 信任标记
shield-unproven = 这条消息的密钥来自副本，无法证明发送者。
shield-unsigned = 由尚未经本人确认的设备发出。
shield-clear-in-encrypted = 会话已加密，但这条消息未加密。

# 无法读取的原因
undecryptable-key-missing = 密钥尚未到达。
undecryptable-key-late = 密钥尚未到达，正在自动再次请求。
undecryptable-sent-before-join = 消息在您加入之前发出。
undecryptable-sent-before-device = 消息在此设备登录之前发出。
undecryptable-withheld-unverified = 发送者只向已确认的设备提供密钥，此设备尚未确认。
undecryptable-withheld-blocked = 发送者已屏蔽此设备。
undecryptable-withheld-unauthorised = 发送者的设备表示此设备无权读取。
undecryptable-withheld-no-channel = 发送者的设备未能与此设备建立安全通道。
undecryptable-sender-mismatch = 密钥不属于发送者，消息不予显示。
undecryptable-replayed = 同一条加密消息出现了两次，重复的不予显示。
undecryptable-wrong-room = 消息是为另一个会话加密的，不予显示。
undecryptable-algorithm-unknown = 它使用了此版本不认识的加密方式。
undecryptable-damaged = 消息到达时已损坏。

# 会话列表
rooms-list = 会话
rooms-search = 搜索会话
rooms-filter-all = 全部
rooms-filter-unread = 未读 { $count ->
    [0] {""}
   *[other] { $count }
 }
rooms-filter-mentions = 提到我 { $count ->
    [0] {""}
   *[other] { $count }
 }
rooms-filter-direct = 私聊
rooms-filters = 筛选
rooms-section-invites = 邀请
rooms-section-pinned = 置顶
rooms-section-groups = 群组
rooms-section-people = 联系人
rooms-draft = ［草稿］
rooms-you = 我：{ $message }
rooms-sender = { $name }：{ $message }
rooms-invited-by = { $name } 邀请您加入
rooms-invited = 邀请您加入
rooms-accept = 接受
rooms-decline = 拒绝
rooms-pin = 置顶
rooms-unpin = 取消置顶
rooms-mute = 免打扰
rooms-unmute = 取消免打扰
rooms-mark-unread = 标为未读
rooms-mark-read = 标为已读
rooms-leave = 退出会话
rooms-leave-title = 退出 { $name }？
rooms-leave-sentence = 您将不再收到其中的消息，重新加入需要邀请。
rooms-actions = { $name } 的操作
rooms-empty = 还没有会话
rooms-empty-sentence = 在通讯录中查找同事，给对方发消息。
rooms-none-found = 没有找到
rooms-none-found-sentence = 没有符合条件的会话，可以重新显示全部。
rooms-show-all = 显示全部
rooms-spoken-unread = { $count } 条未读
rooms-spoken-mention = 提到您
rooms-spoken-muted = 免打扰
rooms-spoken-failed = 有消息未发出
rooms-spoken-call = 会议进行中
rooms-section-spoken = { $name }，{ $count }
rooms-section-collapsed = 已折叠
rooms-new-chat = 新建会话

# 标题栏
chat-encrypted = 端到端加密
chat-not-encrypted = 未加密
chat-people-count = { $count } 人
chat-people-external = { $count } 人，其中 { $external } 人来自 { $organisations }
chat-with-external = { $count } 人，部分来自 { $organisations }
chat-start-meeting = 发起会议
chat-join-meeting = 加入会议
chat-details = 详情
chat-close-details = 关闭详情
chat-back = 返回会话列表
chat-typing-one = { $name } 正在输入…
chat-typing-two = { $name } 和 { $other } 正在输入…
chat-typing-many = 多人正在输入…
chat-meeting-running = { $count } 人正在开会
chat-join = 加入
chat-dismiss = 关闭
chat-invited-title = { $name } 邀请您
chat-invited-title-unknown = 您收到邀请
chat-invited-sentence = 接受后即可在 { $room } 中读写消息。

# 输入框
composer-name = 发送消息到 { $room }
composer-placeholder = 发送到 { $room }
composer-send = 发送消息
composer-emoji = 插入表情
composer-attach = 添加文件
composer-mention = 提及某人
composer-bold = 粗体
composer-italic = 斜体
composer-strike = 删除线
composer-code = 代码
composer-quote = 引用
composer-list = 列表
composer-numbers = 编号列表
composer-link = 链接
composer-hint-enter = Enter 发送 · Shift Enter 换行
composer-hint-ctrl-enter = Ctrl Enter 发送 · Enter 换行
composer-replying = 回复 { $name }
composer-editing = 编辑消息
composer-cancel-reply = 取消回复
composer-cancel-edit = 取消编辑
composer-save-edit = 保存修改
composer-remove-file = 移除 { $name }
composer-files = 待发送 { $count } 个文件
composer-drop = 松开即可发送到 { $room }
composer-file-missing = 无法读取 { $name }，请重新选择。
composer-folder = { $name } 是文件夹，请先打包成一个文件。
composer-large = { $name } 大小为 { $size }，发送需要一些时间。
composer-choose-files = 选择要发送的文件
composer-completion = 与“{ $text }”匹配的人
composer-everyone = 会话中的所有人
composer-no-permission = 您不能在此会话中发言。

# 表情
emoji-panel = 表情
emoji-search = 搜索表情
emoji-recent = 最近使用
emoji-none = 没有找到表情
emoji-group-faces = 表情
emoji-group-people = 人物
emoji-group-nature = 自然
emoji-group-food = 食物
emoji-group-travel = 旅行
emoji-group-things = 物品
emoji-group-symbols = 符号

# 详情
details-title = 详情
details-about = 简介
details-no-topic = 暂无简介
details-encryption = 加密
details-encrypted-sentence = 消息和文件均为端到端加密，只有会话成员的设备可以读取，服务器无法读取。
details-clear-sentence = 此会话未加密，服务器可以读取其中的内容。
details-external-sentence = { $organisations } 的成员可以读取此会话的内容。
details-members = { $count } 位成员
details-invited = 已邀请 { $count } 人
details-search = 搜索成员
details-owner = 所有者
details-admin = 管理员
details-moderator = 协管员
details-loading = 正在加载成员
details-leave = 退出会话
preview-attachment = 发送了 { $name }
preview-picture = 发送了图片
preview-voice = 发送了语音消息
preview-other = 发送了此版本不支持显示的内容
preview-recalled = 撤回了一条消息
preview-undecryptable = 发送了此设备暂时无法读取的消息
preview-unsupported = 发送了此版本不支持显示的内容

# 会话中发生的事
notice-created = { $who } 创建了此会话
notice-encrypted = 此后的消息均为端到端加密
notice-joined = { $person } 加入了会话
notice-left = { $person } 退出了会话
notice-invited = { $who } 邀请了 { $person }
notice-invite-declined = { $person } 拒绝了邀请
notice-invite-withdrawn = { $who } 撤回了对 { $person } 的邀请
notice-removed = { $who } 将 { $person } 移出会话
notice-banned = { $who } 禁止 { $person } 加入
notice-unbanned = { $who } 解除了对 { $person } 的禁止
notice-knocked = { $person } 申请加入
notice-renamed = { $old } 改名为 { $new }
notice-room-named = { $who } 将会话命名为 { $name }
notice-room-unnamed = { $who } 移除了会话名称
notice-room-avatar = { $who } 更换了会话头像
notice-room-replaced = 会话已迁移到新的会话
notice-topic = { $who } 将简介改为：{ $topic }
notice-topic-removed = { $who } 移除了简介
composer-pasted = 图片
