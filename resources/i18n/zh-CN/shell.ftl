# 窗口、导航栏、托盘及通用词语。
app-name = WeLink Desktop
close = 关闭
cancel = 取消
back = 返回
retry = 重试
copy = 复制
more = 更多
yesterday = 昨天
external = 外部
