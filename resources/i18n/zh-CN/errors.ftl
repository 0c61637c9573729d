# 出错时的说明：发生了什么，意味着什么，可以怎么做。
error-unexpected = 出现了意外情况。您的数据没有丢失。请重试；如再次出现，请联系信息科。
error-offline = 暂时无法连接服务器。请检查网络，应用会继续尝试。
error-server-not-found = 找不到服务器 { $name }。请检查拼写，或向信息科询问地址。
error-not-a-homeserver = { $name } 有响应，但不是 WeLink 服务器。请检查地址；如使用访客网络，请先登录该网络。
error-certificate-refused = 无法信任 { $name } 的证书，因此未发送任何内容。请联系信息科核查。
error-server-fault = 服务器自身出现故障。请几分钟后再试。
error-wrong-password = 用户名与密码不匹配。请检查两者，并确认大写锁定是否开启。
error-too-many-attempts = 尝试次数过多。请在 { $seconds } 秒后再试。
error-sign-in-unsupported = 此服务器没有提供本应用支持的登录方式。请联系信息科。
error-signed-out = 此设备已被登出。重新登录即可继续，消息仍保存在这里。
error-account-locked = 您的组织已锁定此账号。这里保存的内容都会保留。请联系信息科。
error-not-allowed = 您在这里没有此项权限。请联系群组管理员。
error-not-found = 没有找到。内容可能已被移除，或者您无权查看。
error-too-large = 内容过大。服务器最多接受 { $limit }。
error-too-large-for-server = 超过服务器允许的大小。请发送较小的文件或较短的文字。
error-encryption-refused = 未发送：这样会削弱此会话的加密。
error-password-needed = 服务器要求先输入密码才能执行此操作。
error-confirm-in-browser = 请在浏览器打开的单位页面上确认，然后重试。
error-wrong-recovery-key = 这不是此账号的恢复密钥。请检查是否输错，或改用其他方式。
error-wrong-code = 此二维码不属于这次验证。请扫描另一台设备现在显示的二维码。
error-identity-changed = 未发送：{ $name } 已验证的身份发生了变化。请重新比对，或取消验证后继续。
error-file-damaged = 文件在传输中损坏，因此不予显示。请对方重新发送。
error-history-not-shared = 邀请已发出，但未能共享较早的消息：对方还没有已确认的设备，或此会话不向新成员显示历史消息。
error-history-not-loaded = 未能加载与您共享的较早消息。请邀请您的人重新共享。
error-keyring-missing = 系统密钥库缺失或已锁定，密钥无法保存在其中。
error-store-key-missing = 系统密钥库中没有本地数据的密钥。数据未被改动。请解锁密钥库，或重新登录。
error-store-damaged = 本地数据已损坏，已另存为 { $path }。重新登录后将从服务器载入会话。
error-store-too-new = 本地数据由更高版本的应用写入。请安装该版本后再打开。
error-profile-in-use = 此配置已在另一个窗口中打开。
error-disk-full = 无法写入配置文件夹：磁盘已满，或文件夹受保护。
error-no-meeting-service = 此服务器未提供会议服务。请联系信息科配置。
error-meeting-token = 会议服务没有响应或未予接入。请重试；如再次出现，请联系信息科。
error-meeting-server = 会议服务器没有响应。聊天不受影响，请稍后再加入。
error-media-engine = 无法启动音视频。聊天不受影响，请重启应用后再试。
error-device-unavailable = 无法使用{ $device ->
    [camera] 摄像头
    [microphone] 麦克风
    [speaker] 扬声器
    [screen] 屏幕
    [sound] 声音系统
   *[other] { $device }
  }：设备缺失、被其他程序占用或未获许可。
error-evaluation = 体验服务器未能启动：{ $part }（{ $reason }）。没有丢失任何内容；请排除原因后重试。
